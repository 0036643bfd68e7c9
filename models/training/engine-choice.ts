/** What can compute a training, and what of it may be asked for. */
export type Engine = 'compiled' | 'onnxruntime';

/** `auto` compiles where all of the family's graphs can be compiled. */
export const TRAINING_ENGINES = ['auto', 'compiled', 'onnxruntime'] as const;
export type TrainingEngineChoice = (typeof TRAINING_ENGINES)[number];
