/**
 * What a kind of link is to the rest of beamrig: its block of the rig file, how it is opened and listed, and the panel's end of it. A kind is
 * a folder here with this filled in, a line in link-kinds.ts and one in link-flags.ts. What needs a library loads it when a link is made.
 *
 *   rig file ─► schema, problems ─► read ─┬─► createLink ────► Link       (the host's end)
 *                                         └─► endOf, readFlag ─► createPanelEnd ─► PanelEnd
 */
import type * as z from 'zod';
import type { Clock } from '../../core/clock/clock.ts';
import type { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Link } from './link.ts';
import type { PanelEnd } from './panel-end.ts';

/** A link of the rig file, as its kind sees it. */
export interface LinkOf<Block> {
  name: string;
  /** Serial number of the panel at its other end, where the rig file says it. */
  panel?: string;
  block: Block;
}

/** A block of a rig file that nobody has checked yet. */
export type RawBlock = Readonly<Record<string, unknown>>;

/** Where a panel may be, as `beamrig panels` lists it. */
export interface Place {
  /** '/dev/ttyUSB0', 'mqtt://127.0.0.1:1883 beamrig/panels/BOARD-1' */
  where: string;
  byId?: string;
  byPath?: string;
  /** The name to write into a rig file: it stays when ports are numbered anew. */
  lasting?: string;
  usb?: { vendorId: string; productId: string; manufacturer?: string; product?: string; serialNumber?: string };
  /** Why it is listed and not asked. */
  why?: string;
}

/** Something that `beamrig doctor` found. */
export interface LinkFinding {
  what: string;
  state: 'good' | 'missing';
  detail: string;
  todo?: string;
}

/** Methods are called of one kind with links of that kind. `End` is what the panel's end of it needs to be opened. */
export interface LinkKind<Block, End = Block> {
  /* ---- its block of the rig file ---- */

  readonly schema: z.ZodType;
  /** Keys that hold paths of files, each in the folder of the rig file where it is not absolute. */
  readonly paths?: readonly string[];
  /** Why a link of this kind must say whose panel it is: 'is part of its topics'. */
  readonly needsPanel?: string;
  /** What is wrong with a serial number for this kind. */
  wrongPanel?(panel: string): string | undefined;
  /** What does not fit together in a block: key and message. */
  problems?(raw: RawBlock): Iterable<readonly [key: string, message: string]>;
  /** What no two links may share: what is compared, and how it was written under which key. */
  sameAs?(raw: RawBlock, folder: string): { key: string; written: string; same: string } | undefined;
  /** What messages call a link without a name; else its panel. */
  defaultName?(raw: RawBlock): string | undefined;
  /** The block that was found to be right, its paths made absolute. */
  read(text: unknown, folder: string): Block;
  /** What is allowed and most probably meant otherwise: key and message. */
  doubts?(block: Block): Iterable<readonly [key: string, message: string]>;

  /* ---- in messages ---- */

  /** 'serial /dev/ttyUSB0 at 921600 baud' */
  describe(link: LinkOf<Block>): string;
  /** As `beamrig panels` lists it. */
  place(link: LinkOf<Block>): Place;
  /** What to do about frames of strangers that pour in. */
  readonly strangersAction: string;
  /** What to look at when a panel does not answer, where there is more to say than of every link. */
  readonly silentAction?: string;

  /* ---- the host's end ---- */

  /** How fast it is, where that is known before it is open. */
  bitsASecond?(block: Block): number | undefined;
  /** What is behind the address now that it is there: two links to one of them are a mistake. */
  behind?(block: Block): string | undefined;
  /**
   * A closed link; nothing is opened yet.
   * @throws {BeamrigError} 'link' for settings that cannot be right
   */
  createLink(link: LinkOf<Block>, tools: { clock: Clock; random: Random; panelKey?: Uint8Array }): Promise<Link>;

  /* ---- the panel's end ---- */

  /**
   * What the flag of this kind says behind `[link=]`.
   * @param own the link that it is said of, where that is of this kind
   * @throws {BeamrigError} 'argument' naming the flag
   */
  readFlag(text: string, own: LinkOf<Block> | undefined): End;
  /** What messages may show of what the flag says. */
  shown?(text: string): string;
  /** The end where no flag says another; an error, with the flag that would, where the rig file names the host's end alone. */
  endOf(link: LinkOf<Block>): End | BeamrigError;
  createPanelEnd(end: End, panel: { panel: string; panelKey?: Uint8Array }): Promise<PanelEnd>;

  /* ---- looking ---- */

  /** Places that no link of the rig file names, and how to ask those that may be asked. */
  elsewhere?(
    links: readonly LinkOf<Block>[],
    options: { hello: boolean; baudRate: number },
  ): Promise<readonly { place: Place; open?: () => Promise<Link> }[]>;
  /** What only `beamrig doctor` looks at. That a link cannot be opened is told of already. */
  check?(links: readonly LinkOf<Block>[]): Promise<LinkFinding[]>;
}
