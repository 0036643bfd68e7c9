/** What is used of jstat, which comes without types. Held against published tables in statistics.test.ts: eight digits and more. */
declare module 'jstat' {
  const jStat: {
    /** Regularised incomplete beta function I_x(a, b). */
    ibeta(x: number, a: number, b: number): number;
    ibetainv(p: number, a: number, b: number): number;
    studentt: { inv(p: number, degreesOfFreedom: number): number };
    noncentralt: { cdf(x: number, degreesOfFreedom: number, shift: number): number };
  };
  export default jStat;
}
