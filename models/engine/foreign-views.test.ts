/** Ops that say where numbers lie, as other programs write them, against onnxruntime; and the integers that lengths are worked out of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disagreement, drawInputs, encodeForeign, type Constant, type ForeignModel } from '../../test/foreign-model.ts';

async function expectAgreement(model: ForeignModel): Promise<void> {
  expect(await disagreement(encodeForeign(model), drawInputs(model, 5))).toBeLessThan(1e-6);
}

/** Between two ops that compute, so that views of views, and lazy ones, are read. */
const amid = (model: ForeignModel & { inputs: { a: readonly number[] } }): ForeignModel => ({
  ...model,
  nodes: [
    { op: 'Mul', inputs: ['a', 'a'], outputs: ['squared'] },
    ...model.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => (name === 'a' ? 'squared' : name)) })),
    ...(model.outputs ?? ['out']).map((name) => ({ op: 'Neg', inputs: [name], outputs: [`minus_${name}`] })),
  ],
  outputs: (model.outputs ?? ['out']).map((name) => `minus_${name}`),
});

async function always<T>(
  arbitrary: fc.Arbitrary<T>,
  modelOf: (drawn: T) => ForeignModel & { inputs: { a: readonly number[] } },
): Promise<void> {
  const check = async (drawn: T): Promise<void> => {
    await expectAgreement(modelOf(drawn));
    await expectAgreement(amid(modelOf(drawn)));
  };
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: 40 });
}

const integers = (...list: number[]): Constant => ({ integers: list });
const length = fc.integer({ min: 1, max: 9 });
const shapeOf = (minLength: number, maxLength: number): fc.Arbitrary<number[]> => fc.array(length, { minLength, maxLength });
const shapeAndAxis = shapeOf(1, 4).chain((shape) =>
  fc.record({ shape: fc.constant(shape), axis: fc.integer({ min: -shape.length, max: shape.length - 1 }) }),
);

describe('parts', () => {
  const steps = shapeAndAxis.chain(({ shape, axis }) => {
    const whole = shape.at(axis) as number;
    return fc.record({
      ...{ shape: fc.constant(shape), axis: fc.constant(axis) },
      start: fc.integer({ min: 0, max: whole - 1 }),
      ...{ fromEnd: fc.boolean(), beyond: fc.boolean(), step: fc.integer({ min: 1, max: 3 }), versionOne: fc.boolean() },
    });
  });
  it('Slice with steps, bounds from the end and beyond it, in either way of writing it', async () => {
    await always(steps, ({ shape, axis, start, fromEnd, beyond, step, versionOne }) => {
      const from = fromEnd ? start - (shape.at(axis) as number) : start;
      const to = beyond ? 2 ** 53 : start + 1;
      if (versionOne) {
        const attributes = { starts: { ints: [from] }, ends: { ints: [to] }, axes: { ints: [axis] } };
        return { nodes: [{ op: 'Slice', inputs: ['a'], attributes }], inputs: { a: shape }, opset: 9 };
      }
      const constants = { from: integers(from), to: integers(to), axis: integers(axis), step: integers(step) };
      return { nodes: [{ op: 'Slice', inputs: ['a', ...Object.keys(constants)] }], inputs: { a: shape }, constants };
    });
  });

  it('Slice of several axes at once, the first ones where none are named', async () => {
    const [from, to, step] = [integers(1, -3), integers(-1, 99), integers(2, 1)];
    const nodes = [{ op: 'Slice', inputs: ['a', 'from', 'to', '', 'step'] }];
    await expectAgreement({ nodes, inputs: { a: [6, 5, 3] }, constants: { from, to, step } });
  });

  const cuts = shapeAndAxis.chain(({ shape, axis }) => {
    const whole = shape.at(axis) as number;
    return fc.record({
      ...{ shape: fc.constant(shape), axis: fc.constant(axis) },
      at: fc
        .uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 })
        .map((list) => list.filter((each) => each < whole).sort((a, b) => a - b)),
      way: fc.constantFrom('input', 'attribute'),
    });
  });
  it('Split with lengths, as an input or as an attribute', async () => {
    await always(cuts, ({ shape, axis, at, way }) => {
      const lengths = [...at, shape.at(axis) as number].map((end, i) => end - (at[i - 1] ?? 0));
      const outputs = lengths.map((_, i) => `part_${i}`);
      const attributes = { axis: { int: axis } };
      if (way === 'input') {
        const nodes = [{ op: 'Split', inputs: ['a', 'lengths'], outputs, attributes }];
        return { nodes, inputs: { a: shape }, outputs, constants: { lengths: integers(...lengths) } };
      }
      const nodes = [{ op: 'Split', inputs: ['a'], outputs, attributes: { ...attributes, split: { ints: lengths } } }];
      return { nodes, inputs: { a: shape }, outputs, opset: 11 };
    });
  });

  it('Split without lengths, even or with a shorter last part', async () => {
    for (const [whole, parts] of [
      [6, 2],
      [7, 3],
      [8, 3],
      [5, 1],
    ]) {
      const outputs = Array.from({ length: parts }, (_, i) => `part_${i}`);
      const attributes = { axis: { int: -1 }, num_outputs: { int: parts } };
      await expectAgreement({ nodes: [{ op: 'Split', inputs: ['a'], outputs, attributes }], inputs: { a: [3, whole] }, outputs });
    }
  });

  it('Gather of one entry, also from the end', async () => {
    const drawn = shapeAndAxis.chain(({ shape, axis }) => {
      const whole = shape.at(axis) as number;
      return fc.record({ shape: fc.constant(shape), axis: fc.constant(axis), at: fc.integer({ min: -whole, max: whole - 1 }) });
    });
    await always(drawn, ({ shape, axis, at }) => ({
      nodes: [{ op: 'Gather', inputs: ['a', 'at'], attributes: { axis: { int: axis } } }],
      inputs: { a: shape },
      constants: { at: { integers: [at], shape: [] } },
    }));
  });
});

describe('axes', () => {
  it('Transpose with an order, and without', async () => {
    const drawn = shapeOf(0, 4).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        order: fc.option(fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
      }),
    );
    await always(drawn, ({ shape, order }) => ({
      nodes: [{ op: 'Transpose', inputs: ['a'], attributes: order === null ? {} : { perm: { ints: order } } }],
      inputs: { a: shape },
    }));
  });

  it('Squeeze and Unsqueeze, axes from either end, as an input or as an attribute', async () => {
    const drawn = shapeOf(0, 3).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axes: fc.subarray([...Array(shape.length + 2).keys()], { minLength: 2, maxLength: 2 }),
        ...{ fromEnd: fc.boolean(), asAttribute: fc.boolean(), all: fc.boolean() },
      }),
    );
    await always(drawn, ({ shape, axes, fromEnd, asAttribute, all }) => {
      const named = axes.map((axis) => (fromEnd ? axis - shape.length - 2 : axis));
      const node = (op: string, from: string, to: string) =>
        asAttribute
          ? { op, inputs: [from], outputs: [to], attributes: { axes: { ints: named } } }
          : { op, inputs: [from, 'axes'], outputs: [to] };
      return {
        nodes: [
          node('Unsqueeze', 'a', 'higher'),
          { op: 'Add', inputs: ['higher', 'higher'], outputs: ['twice'] },
          all ? { op: 'Squeeze', inputs: ['twice'] } : node('Squeeze', 'twice', 'out'),
        ],
        inputs: { a: shape },
        constants: { axes: integers(...named) },
        opset: asAttribute ? 11 : 20,
      };
    });
  });

  it('Flatten at any axis', async () => {
    const drawn = shapeOf(0, 4).chain((shape) =>
      fc.record({ shape: fc.constant(shape), axis: fc.integer({ min: -shape.length, max: shape.length }) }),
    );
    await always(drawn, ({ shape, axis }) => ({
      nodes: [
        { op: 'Transpose', inputs: ['a'], outputs: ['turned'] },
        { op: 'Flatten', inputs: ['turned'], attributes: { axis: { int: axis } } },
      ],
      inputs: { a: shape },
    }));
  });

  it('Reshape with 0 for a length that stays and −1 for what is left, to nothing but a number too', async () => {
    const targets: [number[], number[]][] = [
      [
        [2, 3, 4],
        [0, -1],
      ],
      [
        [2, 3, 4],
        [-1, 0, 2],
      ],
      [
        [2, 3, 4],
        [4, 0, 2],
      ],
      [[1], []],
      [[], [1, 1]],
      [[], [-1]],
      [[6], [-1, 2, 1]],
    ];
    for (const [from, to] of targets) {
      const constants = { to: integers(...to) };
      await expectAgreement({ nodes: [{ op: 'Reshape', inputs: ['a', 'to'] }], inputs: { a: from }, constants });
    }
  });

  it('Expand, and Concat of parts', async () => {
    const drawn = shapeAndAxis.chain(({ shape, axis }) =>
      fc.record({ shape: fc.constant(shape), axis: fc.constant(axis), lead: length, other: length }),
    );
    await always(drawn, ({ shape, axis, lead, other }) => ({
      nodes: [
        { op: 'Unsqueeze', inputs: ['a', 'zero'], outputs: ['higher'] },
        { op: 'Expand', inputs: ['higher', 'to'], outputs: ['wide'] },
        { op: 'Concat', inputs: ['a', 'b', 'a'], outputs: ['joined'], attributes: { axis: { int: axis } } },
      ],
      inputs: { a: shape, b: shape.with(axis < 0 ? axis + shape.length : axis, other) },
      outputs: ['wide', 'joined'],
      constants: { zero: integers(0), to: integers(lead, ...shape.map(() => 1)) },
    }));
  });
});

describe('integers that lengths are worked out of', () => {
  it('Shape, Gather, Unsqueeze, Slice and Concat before a Reshape, as exporters write them', async () => {
    await expectAgreement({
      nodes: [
        { op: 'Shape', inputs: ['a'], outputs: ['shape'] },
        { op: 'Shape', inputs: ['a'], outputs: ['tail'], attributes: { start: { int: -2 }, end: { int: -1 } } },
        { op: 'Gather', inputs: ['shape', 'second'], outputs: ['length'] },
        { op: 'Unsqueeze', inputs: ['length', 'zero'], outputs: ['as_list'] },
        { op: 'Squeeze', inputs: ['as_list'], outputs: ['again'] },
        { op: 'Reshape', inputs: ['again', 'one'], outputs: ['and_again'] },
        { op: 'Slice', inputs: ['shape', 'two', 'end'], outputs: ['last'] },
        { op: 'Gather', inputs: ['shape', 'pair'], outputs: ['turned'] },
        { op: 'Concat', inputs: ['last', 'minus', 'and_again'], outputs: ['to'], attributes: { axis: { int: 0 } } },
        { op: 'Concat', inputs: ['turned', 'tail'], outputs: ['other'], attributes: { axis: { int: -1 } } },
        { op: 'Reshape', inputs: ['a', 'to'], outputs: ['first'] },
        { op: 'Reshape', inputs: ['a', 'other'], outputs: ['second_way'] },
      ],
      inputs: { a: [2, 3, 4] },
      outputs: ['first', 'second_way'],
      constants: {
        second: { integers: [1], shape: [] },
        pair: integers(-1, 0),
        ...{ zero: integers(0), one: integers(1), two: integers(2), minus: integers(-1), end: integers(2 ** 53) },
      },
    });
  });

  it('Constant, however it is written', async () => {
    const constant = (name: string, attributes: NonNullable<ForeignModel['nodes'][number]['attributes']>) => ({
      ...{ op: 'Constant', inputs: [], outputs: [name], attributes },
    });
    await expectAgreement({
      nodes: [
        constant('half', { value_float: { float: 0.5 } }),
        constant('list', { value_floats: { floats: [1, 2, 3] } }),
        constant('matrix', { value: { tensor: { reals: [1, -1, 2], shape: [1, 3], type: 'float32' } } }),
        constant('at', { value_int: { int: -1 } }),
        constant('to', { value_ints: { ints: [-1, 3] } }),
        constant('axes', { value: { tensor: integers(0) } }),
        { op: 'Reshape', inputs: ['a', 'to'], outputs: ['x'] },
        { op: 'Mul', inputs: ['x', 'half'], outputs: ['y'] },
        { op: 'Add', inputs: ['y', 'list'], outputs: ['z'] },
        { op: 'Sub', inputs: ['z', 'matrix'], outputs: ['u'] },
        { op: 'Gather', inputs: ['u', 'at'], outputs: ['last'] },
        { op: 'ReduceSum', inputs: ['last', 'axes'] },
      ],
      inputs: { a: [2, 6] },
    });
  });
});
