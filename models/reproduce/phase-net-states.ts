/** phase-net that chooses among the words of few bits where the array's states are not the ideal ones: known to the host, and unknown to it. */
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { idealOf, type ElementStates } from '../../core/signal/quantise.ts';
import { createRandom } from '../../core/signal/random.ts';
import { openBeams } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import { fitModel } from '../fitted-model.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { findModel, verifyModel } from '../zoo.ts';
import { rateOver } from './rate-over-states.ts';
import { show, table } from './tables.ts';

/** Q of the words that phase-net has numbers for. */
export const BITS = [1, 2];

const ARRAY = { elements: 32, rfChains: 4, users: 4, steps: 10 };
const NOISE = 0.1;
const UNKNOWN_DEG = [0, 5, 10, 20];

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Every place turned by an angle of its own. */
function turned(bits: number, anglesRad: Float64Array): ArrayStates {
  const { re, im } = idealOf(bits);
  const states = Array.from(anglesRad, (angle): ElementStates => ({
    re: re.map((value, w) => value * Math.cos(angle) - im[w] * Math.sin(angle)),
    im: re.map((value, w) => value * Math.sin(angle) + im[w] * Math.cos(angle)),
  }));
  return { bits, of: (place) => states[place] };
}

export async function stateErrorsMarkdown(seed: number, channels: number): Promise<string> {
  const model = verifyModel(findModel('phase-net'));
  const set = drawChannelSet({ seed, name: 'test', count: channels, ...ARRAY, paths: 10, scale: 'unit-element' });
  const random = createRandom(seed).stream('states');
  const places = ARRAY.elements * ARRAY.rfChains;
  const anywhere = Array.from({ length: channels }, () =>
    Float64Array.from({ length: places }, () => 2 * Math.PI * random.uniform()),
  );
  const errors = Array.from({ length: channels }, () => Float64Array.from({ length: places }, () => random.normal()));
  const rows: string[][] = [];
  for (const bits of BITS) {
    const networks = await Promise.all([undefined, bits].map((phaseBits) => fitModel(model, { ...ARRAY, phaseBits })));
    const [any, words] = networks.map(({ card, onnx }) => openBeams({ card, image: compileImage(onnx) }));
    const compared = (at: (channel: number) => { believed: ArrayStates; there: ArrayStates }): string[] => {
      const [ofAny, ofWords] = [any, words].map((beamFor) =>
        set.channels.map((channel, i) => {
          const problem = { channel, rfChains: ARRAY.rfChains, power: 1, noise: NOISE };
          const { believed, there } = at(i);
          return rateOver(problem, beamFor(problem), believed, there);
        }),
      );
      const gains = ofWords.map((rate, i) => rate - ofAny[i]);
      return [show(meanAndError(ofAny)), show(meanAndError(ofWords)), show(meanAndError(gains), true)];
    };
    for (const degrees of UNKNOWN_DEG) {
      const there = (i: number) =>
        turned(
          bits,
          errors[i].map((error) => error * radians(degrees)),
        );
      rows.push([`Q = ${bits}`, `unknown, ${degrees}° rms`, ...compared((i) => ({ believed: { bits }, there: there(i) }))]);
    }
    const known = (i: number) => turned(bits, anywhere[i]);
    rows.push([`Q = ${bits}`, 'known, anywhere', ...compared((i) => ({ believed: known(i), there: known(i) }))]);
  }
  return [
    "N = 32, M = K = 4, 10 dB, `unit-element`, nearest words. *Unknown*: each phase shifter is turned by an angle that the host does not know, as with every rig today (`calibration: none`): words and D are for the ideal states, and radiated over the true ones. *Known*: each is turned by any angle, uniformly, and words and D are for the true states; there the network's words lie on no grid that the array has.",
    table(['', 'turned', 'for any phases, bit/s/Hz', 'for these words', 'gain'], rows),
    "The network's grid is the ideal one. It gains as much on phase shifters that are off as on ideal ones as long as the host does not know how; where each were turned by a known angle of its own, phases would have to be rounded to those states, and the network for any phases is the one to take.",
  ].join('\n\n');
}
