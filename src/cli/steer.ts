/**
 * `beamrig steer`: one beam towards a direction until Ctrl-C, or for so many seconds.
 *
 *   direction ─► phases ─► the states that the array can show ─► radiated, cycle by cycle ─► SINR of the user it carries
 *                                        └─► the figures of its pattern, calculated
 */
import { matmul } from '../../core/signal/complex-matrix.ts';
import { directionOf, steered } from '../beamforming/hand-beams.ts';
import { beamArrayOf, beamFileOf, writeBeamFile } from '../config/beam-file.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { arrayOf, requireBeamName, secondsOf, steerWish, type DirectionOptions } from './hand-arguments.ts';
import { requireWritable, writeOutput } from './output-file.ts';
import { printError } from './output.ts';
import { patternSvg } from './pattern-svg.ts';
import { showBeam } from './shown-beam.ts';

export interface SteerOptions extends DirectionOptions {
  for?: string;
  save?: string;
  svg?: string;
  force?: boolean;
  json?: boolean;
}

export async function steer(rigPath: string, options: SteerOptions): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  const array = arrayOf(rig);
  const wish = steerWish(array, options);
  const seconds = options.for === undefined ? undefined : secondsOf(options.for);
  const { save, svg, force = false, json = false } = options;
  if (save !== undefined) requireBeamName(save);
  if (svg !== undefined) requireWritable(svg, force);
  const chosen = steered(array, wish);
  await showBeam({
    ...{ rig, chosen, direction: directionOf(wish), users: [wish.user], json },
    ...(seconds === undefined ? {} : { seconds }),
    onShown: (view) => {
      if (svg !== undefined) {
        const precoder = matmul(view.analog, view.digital);
        const picture = patternSvg(array.geometry, precoder, directionOf(wish), `${rig.name}: ${chosen.title}`);
        if (picture !== undefined) writeOutput(svg, picture, force);
      }
      if (save === undefined) return;
      const { azimuthDeg, elevationDeg } = wish;
      const { calibration } = view.record;
      const about = { name: save, from: chosen.title, calibration, direction: { azimuthDeg, elevationDeg } };
      const path = writeBeamFile(rig.beamFolder, beamFileOf(beamArrayOf(rig), view, about), force);
      printError(`Saved as ${path}`);
    },
  });
}
