/** `beamrig mute`: makes the array dark and ends, whatever the safe state of its rig file is. */
import { loadRigFile } from '../config/rig-file.ts';
import { steered } from '../beamforming/hand-beams.ts';
import { sourceText } from '../telemetry/cycle-record.ts';
import { arrayOf } from './hand-arguments.ts';
import { print } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { radiate } from './radiate.ts';

/** Exit code 1: the array did not confirm that it is dark. */
export async function mute(rigPath: string, options: { json?: boolean }): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  rig.safeState = 'mute';
  delete rig.safeCodeword;
  const array = arrayOf(rig);
  let panels: string[] = [];
  // No cycle turns, so that no beam is made: what is left of a run is its end.
  const { source, channelSource, unsafe, faulted, failure } = await radiate({
    rig,
    chosen: steered(array, { azimuthDeg: 0, elevationDeg: 0, user: 0 }),
    cycles: 0,
    onBegin: ({ description }) => {
      panels = description.links.map(({ name, panel }) => `${panel} on ${name}`);
    },
  });
  const muted = unsafe === undefined && !faulted;
  if (options.json) {
    print(JSON.stringify({ rig: rig.name, source, panels, muted, ...(unsafe === undefined ? {} : { unsafe }) }));
  } else {
    const where = `${panels.join(', ')} (${sourceText(source, channelSource)})`;
    print(
      printable(muted ? `Muted: ${where}.` : `NOT CERTAIN TO BE MUTE: ${where}: ${unsafe ?? failure ?? 'it did not answer'}`),
    );
  }
  if (!muted) process.exitCode = 1;
}
