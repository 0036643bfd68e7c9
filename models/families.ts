/** Every model family, one line each: the name of its folder, loaded when it is asked for. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { ModelFamily } from './family.ts';

const FAMILIES: Readonly<Record<string, () => Promise<ModelFamily>>> = {
  'phase-net': async () => (await import('./phase-net/family.ts')).family,
  'unfolded-pga': async () => (await import('./unfolded-pga/family.ts')).family,
  'unfolded-phase-extraction': async () => (await import('./unfolded-phase-extraction/family.ts')).family,
  upganet: async () => (await import('./upganet/family.ts')).family,
};

export const FAMILY_IDS: readonly string[] = Object.keys(FAMILIES);

/** @throws BeamrigError 'argument', naming those there are */
export async function findFamily(id: string): Promise<ModelFamily> {
  if (!Object.hasOwn(FAMILIES, id)) {
    throw new BeamrigError('argument', `there is no model family ${id}; there are: ${FAMILY_IDS.join(', ')}`, {
      wayOut: 'Write one of these, or add a family by the recipe in models/README.md.',
    });
  }
  return FAMILIES[id]();
}
