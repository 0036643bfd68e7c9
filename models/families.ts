/** Every model family, one line each: the name of its folder, loaded when it is asked for. */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { ModelFamily } from './family.ts';

const FAMILIES: Readonly<Record<string, () => Promise<{ family: ModelFamily }>>> = {
  'unfolded-pga': () => import('./unfolded-pga/family.ts'),
};

export const FAMILY_IDS: readonly string[] = Object.keys(FAMILIES);

/** @throws BeamrigError 'argument', naming those there are */
export async function findFamily(id: string): Promise<ModelFamily> {
  if (!Object.hasOwn(FAMILIES, id)) {
    throw new BeamrigError('argument', `there is no model family ${id}; there are: ${FAMILY_IDS.join(', ')}`, {
      wayOut: 'Write one of these, or add a family by the recipe in models/README.md.',
    });
  }
  return (await FAMILIES[id]()).family;
}
