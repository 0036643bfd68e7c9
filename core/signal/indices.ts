/**
 * Branded 0-based indices, so that an element number is never handed to something that wants a chain. They are plain numbers at run time;
 * the brand is put on where a number enters (`elementIndex(3)`), and read off for free.
 */
declare const brand: unique symbol;
export type ElementIndex = number & { readonly [brand]: 'element' };
export type ChainIndex = number & { readonly [brand]: 'chain' };
export type UserIndex = number & { readonly [brand]: 'user' };

export const elementIndex = (index: number): ElementIndex => index as ElementIndex;
export const chainIndex = (index: number): ChainIndex => index as ChainIndex;
export const userIndex = (index: number): UserIndex => index as UserIndex;
