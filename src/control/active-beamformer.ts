/**
 * Who chooses the beams now and how many bits their phases have, and what is to be so from the next cycle on: some networks are for one Q, so that
 * both change at once. A new model is opened and checked while the old one goes on; they change places between two cycles, and whatever goes
 * wrong before that leaves everything as it is.
 */
import type { Beamformer } from '../beamforming/beamformer.ts';

/** What beams are computed by and for. */
export interface Choice {
  readonly beamformer: Beamformer;
  /** Q of the words that are made of its phases. */
  readonly phaseBits: number;
}

/** 'superseded': another was chosen before it had its turn. */
export type ModelChange = 'switched' | 'same' | 'superseded' | 'withdrawn';

export interface ActiveBeamformer {
  readonly current: Choice;
  /** The id that is being opened. */
  readonly loading: string | undefined;
  /** The id that is open, and takes its place before the next cycle. */
  readonly waiting: string | undefined;
  /**
   * Opens a model for phases of so many bits and resolves when it has taken its place, or will not: the newest that was chosen counts. Rejects with
   * whatever opening it threw.
   * @param make it is had at once, and is another one, whatever its id
   */
  offer(id: string, phaseBits: number, make?: () => Beamformer): Promise<ModelChange>;
  /** Between two cycles: lets the newcomer take its place. The old model is closed when `busy` has settled. */
  change(busy: Promise<unknown> | undefined): { from: Beamformer; to: Beamformer } | undefined;
  /** No newcomer takes its place any more. */
  shut(): Promise<void>;
  /** Ends whoever sits there. */
  close(): Promise<void>;
}

/**
 * @param open opens a model by its id for phases of so many bits, checked against the rig
 * @param onOffered called when a newcomer is ready: an idle loop changes at once
 */
export function createActiveBeamformer(
  first: Choice,
  open: (id: string, phaseBits: number) => Promise<Beamformer>,
  onOffered: () => void,
): ActiveBeamformer {
  let current = first;
  let loading: string | undefined;
  let newcomer: { choice: Choice; settle: (change: ModelChange) => void } | undefined;
  let closed = false;
  const dismiss = async (as: ModelChange): Promise<void> => {
    const dismissed = newcomer;
    newcomer = undefined;
    dismissed?.settle(as);
    await dismissed?.choice.beamformer.close();
  };
  const opened = async (id: string, phaseBits: number): Promise<Beamformer> => {
    loading = id;
    try {
      return await open(id, phaseBits);
    } finally {
      loading = undefined;
    }
  };
  return {
    get current() {
      return current;
    },
    get loading() {
      return loading;
    },
    get waiting() {
      return newcomer?.choice.beamformer.id;
    },
    async offer(id, phaseBits, make) {
      if (make === undefined && id === current.beamformer.id && serves(current.beamformer, phaseBits)) {
        void dismiss('superseded');
        current = { ...current, phaseBits };
        return 'same';
      }
      // What is had at once is waiting before anybody else asks.
      const beamformer = make?.() ?? (await opened(id, phaseBits));
      if (closed) {
        await beamformer.close();
        return 'withdrawn';
      }
      void dismiss('superseded');
      return new Promise<ModelChange>((settle) => {
        newcomer = { choice: { beamformer, phaseBits }, settle };
        onOffered();
      });
    },
    change(busy) {
      if (newcomer === undefined) return undefined;
      const { choice, settle } = newcomer;
      newcomer = undefined;
      const from = current.beamformer;
      current = choice;
      void Promise.allSettled([busy]).then(() => from.close());
      settle('switched');
      return { from, to: choice.beamformer };
    },
    async shut() {
      closed = true;
      await dismiss('withdrawn');
    },
    close: () => current.beamformer.close(),
  };
}

/** Whether the network that is open is the one for phases of so many bits. */
function serves({ phaseBits: own, mostPhaseBits = 0 }: Beamformer, phaseBits: number): boolean {
  return own === (phaseBits <= mostPhaseBits ? phaseBits : undefined);
}
