/** How wide a picture's place is, so that it is drawn as large as it is seen. */
import { useLayoutEffect, useState } from "preact/hooks";

/** Of the element that is given `ref`, in CSS pixels; 0 until it is there. */
export function useWidth() {
  const [element, ref] = useState<HTMLElement | null>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    const size = new ResizeObserver(measure);
    size.observe(element);
    measure();
    return () => size.disconnect();
  }, [element]);
  return { ref, width };
}
