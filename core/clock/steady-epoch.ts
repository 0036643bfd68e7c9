/**
 * ms since 1970 by the clock that is never set: for ages and axes of a page, which must not jump when somebody sets the machine's clock.
 */
export const steadyEpochMs = (): number => performance.timeOrigin + performance.now();
