/** Systems of equations, small and large, against onnxruntime. */
import { describe, expect, it } from 'vitest';
import { difference, NEAR } from '../../test/engine-difference.ts';
import { gradients } from '../graph/gradients.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';

/** As anybody's file may have it. */
const inverse = (a: Tensor): Tensor => a.graph.emit('Inverse', [a], a.shape, [null], { domain: 'com.microsoft' });

/** value·I */
const diagonal = (a: Tensor, size: number, value: number): Tensor =>
  a.graph.constant(
    Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? value : 0)),
    [size, size],
  );

describe.each(['float32', 'float64'] as const)('compiled to %s, as onnxruntime has it', (float) => {
  const near = NEAR[float];

  it('inverses of positive definite matrices', async () => {
    const build = ([a]: Tensor[]): Record<string, Tensor> => {
      const size = a.shape[2] as number;
      const identity = diagonal(a, size, 1);
      return { out: inverse(ops.add(ops.matmul(ops.swapLast(a), a), identity)) };
    };
    for (const size of [1, 2, 3, 4, 8, 11]) {
      expect(await difference({ float, inputs: [[2, 12, size]], build })).toBeLessThan(40 * near);
    }
  });

  it('systems whose rows share code: definite, of any matrix, triangular, and factors', async () => {
    const build = ([a, b]: Tensor[]): Record<string, Tensor> => {
      const size = a.shape[1] as number;
      const scaled = diagonal(a, size, size);
      const definite = ops.add(ops.matmul(ops.swapLast(a), a), scaled);
      // Its largest entries lie off the diagonal: rows change places.
      const turned = ops.matmul(ops.concat([ops.slice(scaled, 0, 1, size), ops.slice(scaled, 0, 0, 1)], 0), definite);
      const factor = ops.cholesky(definite);
      return {
        solved: ops.solvePositiveDefinite(definite, b),
        inverse: inverse(turned),
        factor,
        lower: ops.solveLowerTriangular(factor, b),
        upper: ops.solveUpperTriangular(ops.swapLast(factor), b),
      };
    };
    // Around where it begins, and columns of the right side that share code, too.
    for (const [size, columns] of [
      [32, 5],
      [33, 66],
      [41, 130],
      [70, 3],
    ]) {
      const inputs = [
        [size, size],
        [size, columns],
      ];
      expect(await difference({ float, inputs, range: [-1, 1], build })).toBeLessThan(100 * near);
    }
  });

  it('Cholesky factors and triangular systems, and their gradients', async () => {
    const build = ([a, b]: Tensor[]): Record<string, Tensor> => {
      const size = a.shape[2] as number;
      const identity = diagonal(a, size, 1);
      const factor = ops.cholesky(ops.add(ops.matmul(ops.swapLast(a), a), identity));
      const lower = ops.solveLowerTriangular(factor, b);
      const upper = ops.solveUpperTriangular(ops.swapLast(factor), lower);
      const loss = ops.reduceSumSquare(ops.concat([lower, upper, factor], 2), [0, 1, 2]);
      const [byA, byB] = gradients(loss, [a, b]);
      // What lies beyond the diagonal is not read.
      const half = ops.solveLowerTriangular(ops.add(ops.matmul(ops.swapLast(a), a), identity), b);
      return { factor, lower, upper, half, byA, byB };
    };
    for (const size of [1, 2, 3, 4, 8, 11]) {
      const inputs = [
        [2, 12, size],
        [size, 3],
      ];
      expect(await difference({ float, inputs, range: [-1, 1], build })).toBeLessThan(100 * near);
    }
  });
});
