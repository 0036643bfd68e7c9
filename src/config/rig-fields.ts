/** Fields that several blocks of the rig file have. */
import * as z from 'zod';
import { looksLikeKey } from '../../core/errors/variable-name.ts';

export const environmentVariable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .refine((name) => !looksLikeKey(name))
  .meta({ allowed: 'the name of an environment variable', unshown: true });

export const filePath = z.string().min(1).max(1000);
export const FROM_HERE = 'relative to the folder of the rig file';

/** Codebooks that need no file. */
export const CODEBOOK_NAMES = ['dft', 'hierarchical'] as const;
