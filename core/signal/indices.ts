/**
 * Branded 0-based indices, so that the number of a user is never taken for another one. They are plain numbers at run time; the brand is put on
 * where a number enters (`userIndex(3)`), and read off for free.
 */
declare const brand: unique symbol;
export type UserIndex = number & { readonly [brand]: 'user' };
export type CellIndex = number & { readonly [brand]: 'cell' };

/** Users in one run: firstUser, firstUser + 1, … so many. */
export interface UserRun {
  firstUser: UserIndex;
  count: number;
}

export const userIndex = (index: number): UserIndex => index as UserIndex;
export const cellIndex = (index: number): CellIndex => index as CellIndex;
