/** Asks for the API key while the service wants one. There is nothing to see without it, so it can't be put away. */
import { useEffect, useRef } from "preact/hooks";
import { enterKey, keyWanted } from "../service/api-key.ts";

export function KeyDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const why = keyWanted.value;
  useEffect(() => {
    if (why !== null && !dialog.current?.open) dialog.current?.showModal();
    if (why === null) dialog.current?.close();
  }, [why]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const key = new FormData(event.currentTarget).get("key");
    if (typeof key === "string" && key.trim() !== "") enterKey(key.trim());
    event.currentTarget.reset();
  };
  return (
    <dialog ref={dialog} class="key-dialog" aria-labelledby="key-title" onCancel={(event) => event.preventDefault()}>
      <form class="stack" onSubmit={submit}>
        <h1 id="key-title">API key</h1>
        <p>{why}</p>
        <label class="stack">
          <span class="spoken">Key</span>
          <input name="key" type="password" required autocomplete="off" spellcheck={false} />
        </label>
        <p class="soft small">It is kept until this tab is closed, and sent to this service alone.</p>
        <button type="submit" class="primary">
          Go on
        </button>
      </form>
    </dialog>
  );
}
