import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILY_IDS, findFamily } from '../families.ts';
import { listModels } from '../zoo.ts';
import { optionsOfCommand } from './recorded-options.ts';
import { flagsOf, optionsTyped, trainingCommand } from './option-flags.ts';
import { parseOptions } from './parse-options.ts';

const pga = await findFamily('unfolded-pga');

describe('options on the command line', () => {
  it.each(FAMILY_IDS)('are those of the schema, with the defaults that training has: %s', async (id) => {
    const family = await findFamily(id);
    const defaults = parseOptions(family, {}) as unknown as Record<string, unknown>;
    const all = flagsOf(family);
    const flags = all.filter(({ option }) => option in defaults);
    expect(flags.map(({ option }) => option)).toEqual(Object.keys(defaults));
    // What is learned when nobody says so is nothing that an option could name.
    const others = all.filter(({ option }) => !(option in defaults));
    expect(others.map(({ option }) => option)).toEqual(id === 'phase-net' ? ['phaseBits'] : []);
    for (const { help } of others) expect(help).not.toContain('default');
    for (const { option, help } of flags) expect(help).toContain(`default: ${String(defaults[option])})`);
  });

  it('of every card of the zoo give the command of the card again', async () => {
    for (const { card, path } of listModels()) {
      if (typeof card.training === 'string') continue;
      const { command } = card.training;
      const family = await findFamily(card.algorithm);
      expect(trainingCommand(family, optionsOfCommand(family, command), basename(path))).toBe(command);
    }
  });

  it('are all in the command where they decide the result, and it gives them back', () => {
    const told = {
      elements: 8,
      paths: 3,
      layers: 2,
      stepCoefficients: 2,
      validationChannels: 7,
      clipNorm: 0.5,
      learningRate: 1e-7,
      snrRangeDb: [-5, -1] as [number, number],
    };
    const options = parseOptions(pga, told);
    const command = trainingCommand(pga, options, 'm.onnx');
    for (const words of [
      '--paths 3',
      '--step-coefficients 2',
      '--validation-channels 7',
      '--clip-norm 0.5',
      '--snr-range=-5,-1',
    ]) {
      expect(command).toContain(words);
    }
    expect(optionsOfCommand(pga, command)).toEqual(options);
    const paper = parseOptions(pga, { recipe: 'paper' });
    expect(trainingCommand(pga, paper, 'm.onnx')).not.toContain('--step-coefficients');
    expect(optionsOfCommand(pga, trainingCommand(pga, paper, 'm.onnx'))).toEqual(paper);
  });

  it.each([
    [{ epochs: '1.5' }, '--epochs 1.5: not allowed; allowed: a whole number from 0 to 1000000000'],
    [{ learningRate: '' }, '--learning-rate : not allowed; allowed: a number from 1e-12 to 100'],
    [{ scale: 'big' }, '--scale big: not allowed; allowed: unit-element | paper-001'],
    [{ snrRangeDb: '5' }, '--snr-range 5: not allowed; allowed: 2 numbers from -100 to 100, with a comma'],
    [{ snrRangeDb: '5,1' }, '--snr-range 5,1: the range runs backwards; give the lower end first'],
    [{ recipe: 'paper', stepCoefficients: '2' }, "--step-coefficients 2: the paper's recipe has one number a step; leave it out"],
  ])('are refused by flag and text: %j', (typed, message) => {
    expect(() => optionsTyped(pga, typed as Record<string, string>)).toThrow(message);
  });
});

it('a family that is not there is refused with those that are', async () => {
  await expect(findFamily('toString')).rejects.toMatchObject({
    code: 'argument',
    message: expect.stringContaining(`there is no model family toString; there are: ${FAMILY_IDS[0]}`) as string,
  });
});
