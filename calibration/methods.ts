/** The ways there are to measure an array; a file in methods/ and a line here make another. */
import type { CalibrationMethod } from './method.ts';
import { coded } from './methods/coded.ts';
import { hadamard } from './methods/hadamard.ts';
import { oneAtATime } from './methods/one-at-a-time.ts';
import { onOff } from './methods/on-off.ts';
import { pairwise } from './methods/pairwise.ts';
import { rotatingVector } from './methods/rotating-vector.ts';
import { steering } from './methods/steering.ts';

export const CALIBRATION_METHODS: readonly CalibrationMethod[] = [
  coded,
  hadamard,
  steering,
  oneAtATime,
  rotatingVector,
  onOff,
  pairwise,
];
