/** How the files of a model are called: `my-model.onnx`, or `my-model.numbers.json` for numbers that serve every array, and `my-model.json`, the card. */
import { basename } from 'node:path';

export const ONNX_ENDING = '.onnx';
export const NUMBERS_ENDING = '.numbers.json';

const ENDINGS = [ONNX_ENDING, NUMBERS_ENDING];

/** Of the name of a model's file; undefined of any other. */
export const endingOf = (path: string): string | undefined => ENDINGS.find((ending) => path.endsWith(ending));

export const isModelFileName = (path: string): boolean => endingOf(path) !== undefined;

/** Whether a model is named by the path of its file; else it is an id of the zoo, which has neither dots nor slashes. */
export const isModelPath = (idOrPath: string): boolean => /[./\\]/.test(idOrPath);

/** The card of a model, from the path of either file. */
export const cardPathOf = (path: string): string => `${withoutEnding(path)}.json`;

/** What a model is called by its file. */
export const modelIdOf = (path: string): string => basename(withoutEnding(path));

/** The path of either file as far as both are called the same. */
export const withoutEnding = (path: string): string => path.replace(/(\.onnx|\.numbers\.json|\.json)$/, '');
