/** What computes a model: machine code that is compiled from its file, or onnxruntime. */
export type Engine = Exclude<EngineChoice, 'auto'>;

/** What may be asked for. `auto` compiles wherever it can be done. */
export const ENGINE_CHOICES = ['auto', 'compiled', 'onnxruntime'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];
