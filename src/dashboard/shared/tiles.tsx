/** Figures side by side, each under its name. */
import "./tiles.css";

export const Tiles = ({ of }: { of: readonly (readonly [name: string, value: string])[] }) => (
  <dl class="tiles">
    {of.map(([name, value]) => (
      <div key={name}>
        <dt title={name}>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);
