/** The kinds of links that a rig file can name: a line each. docs/recipes.md says how one is added. */
import { LINK_KIND_NAMES, type LinkKindName } from './link-flags.ts';
import type { LinkKind, LinkOf } from './link-kind.ts';
import { mqttKind } from './mqtt/mqtt-kind.ts';
import { serialKind } from './serial/serial-kind.ts';
import { tcpKind } from './tcp/tcp-kind.ts';

export { LINK_KIND_NAMES, type LinkKindName };

export const LINK_KINDS = { serial: serialKind, mqtt: mqttKind, tcp: tcpKind } as const satisfies Record<LinkKindName, unknown>;

export type BlockOf<Kind extends LinkKindName> = (typeof LINK_KINDS)[Kind] extends LinkKind<infer Block, infer _> ? Block : never;
export type EndOf<Kind extends LinkKindName> = (typeof LINK_KINDS)[Kind] extends LinkKind<infer _, infer End> ? End : never;

/** Its kind, and under that name its block: `{ kind: 'serial', serial: { path, baudRate } }`. */
export type OfSomeKind = { [Kind in LinkKindName]: { kind: Kind } & { [Key in Kind]: BlockOf<Kind> } }[LinkKindName];

/** Where a panel that runs as a process of its own is attached. */
export type Wire = { [Kind in LinkKindName]: { kind: Kind; end: EndOf<Kind> } }[LinkKindName];

/** The kind of that name, for all that is asked of a kind without knowing which: its own blocks and ends, and no others, are handed to it. */
export const linkKind = (name: LinkKindName): LinkKind<unknown> => LINK_KINDS[name];

/** A link with its kind. */
export function ofKind(link: { name: string; panel?: string } & OfSomeKind): { kind: LinkKind<unknown>; of: LinkOf<unknown> } {
  const { name, panel } = link;
  const block = (link as unknown as Record<string, unknown>)[link.kind];
  return { kind: linkKind(link.kind), of: { name, block, ...(panel === undefined ? {} : { panel }) } };
}
