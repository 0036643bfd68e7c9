/**
 * Who chooses the beams now, and who is to choose them from the next cycle on. A new model is opened and checked while the old one goes on;
 * they change places between two cycles, and whatever goes wrong before that leaves the old one where it is.
 */
import type { Beamformer } from '../beamforming/beamformer.ts';

export type ModelChange = 'switched' | 'same' | 'withdrawn';

export interface ActiveBeamformer {
  readonly current: Beamformer;
  /** The id that is being opened. */
  readonly loading: string | undefined;
  /**
   * Opens a model and resolves when it has taken its place, or was withdrawn. Rejects with whatever opening it threw.
   * @param make opens it in another way than by its id; it is then another one, whatever its id
   */
  offer(id: string, make?: () => Promise<Beamformer>): Promise<ModelChange>;
  /** Between two cycles: lets the newcomer take its place. The old model is closed when `busy` has settled. */
  change(busy: Promise<unknown> | undefined): { from: Beamformer; to: Beamformer } | undefined;
  /** No newcomer takes its place any more. */
  shut(): Promise<void>;
  /** Ends whoever sits there. */
  close(): Promise<void>;
}

/**
 * @param open opens a model by its id, checked against the rig
 * @param onOffered called when a newcomer is ready: an idle loop changes at once
 */
export function createActiveBeamformer(
  first: Beamformer,
  open: (id: string) => Promise<Beamformer>,
  onOffered: () => void,
): ActiveBeamformer {
  let current = first;
  let loading: string | undefined;
  let newcomer: { beamformer: Beamformer; settle: (change: ModelChange) => void } | undefined;
  let closed = false;
  return {
    get current() {
      return current;
    },
    get loading() {
      return loading;
    },
    async offer(id, make) {
      if (id === current.id && make === undefined) return 'same';
      loading = id;
      try {
        const beamformer = await (make?.() ?? open(id));
        if (closed) {
          await beamformer.close();
          return 'withdrawn';
        }
        return await new Promise<ModelChange>((settle) => {
          newcomer = { beamformer, settle };
          onOffered();
        });
      } finally {
        loading = undefined;
      }
    },
    change(busy) {
      if (newcomer === undefined) return undefined;
      const { beamformer, settle } = newcomer;
      newcomer = undefined;
      const from = current;
      current = beamformer;
      void Promise.allSettled([busy]).then(() => from.close());
      settle('switched');
      return { from, to: current };
    },
    async shut() {
      closed = true;
      const waiting = newcomer;
      newcomer = undefined;
      waiting?.settle('withdrawn');
      await waiting?.beamformer.close();
    },
    close: () => current.close(),
  };
}
