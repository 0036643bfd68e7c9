/**
 * Complex matrices on split typed arrays: the one matrix type of the project. Row-major, float64, real and imaginary parts apart, because
 * V8 keeps such loops free of allocation and the parts go to ONNX, to the wire and to the page as they are.
 */
export interface CMatrix {
  readonly rows: number;
  readonly cols: number;
  /** Real parts, length rows·cols, entry (r, c) at r·cols + c. */
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** All zeros. */
export function zeros(rows: number, cols: number): CMatrix {
  return { rows, cols, re: new Float64Array(rows * cols), im: new Float64Array(rows * cols) };
}
