import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const PROSE = '/^(message|detail|words|why|said|action|wayOut)$/';
const decidesBy = (selector) => ({
  selector,
  message:
    'A message is for people: decide by a code (LinkCause, PanelFailure, ErrorCode), or translate the text in a …-errors.ts file.',
});
const DECISIONS_BY_MESSAGE = [
  ...[`[callee.object.property.name=${PROSE}]`, '[callee.object.name=/^(message|detail|why|said|reason)$/]'].map((of) =>
    decidesBy(`CallExpression[callee.property.name=/^(includes|startsWith|endsWith|match|matchAll|search|indexOf)$/]${of}`),
  ),
  ...[`[arguments.0.property.name=${PROSE}]`, '[arguments.0.name=/^(message|detail|why|said|reason|error)$/]'].map((of) =>
    decidesBy(`CallExpression[callee.property.name=/^(test|exec)$/]${of}`),
  ),
  ...['left', 'right'].map((side) =>
    decidesBy(
      `BinaryExpression[operator=/^[!=]==$/][${side}.property.name=${PROSE}][${side === 'left' ? 'right' : 'left'}.type=/^(Literal|TemplateLiteral)$/][${side === 'left' ? 'right' : 'left'}.value!='']`,
    ),
  ),
];

const ONE_STYLE = [
  {
    selector:
      ':matches(PropertyDefinition, AccessorProperty, MethodDefinition[kind!="constructor"], TSParameterProperty)[accessibility="private"]',
    message: 'Write #name: private members are private at run time.',
  },
  {
    selector:
      ':matches(Program, ExportNamedDeclaration) > VariableDeclaration[kind="const"] > [id.name=/^[a-z]/][init.type="Literal"]',
    message: 'Write UPPER_SNAKE_CASE: a fixed value of a module (CONTRIBUTING.md).',
  },
];

export default tseslint.config(
  { ignores: ['dist', 'runs', 'coverage', 'node_modules', '**/*.cjs'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './dashboard/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A promise that nobody awaits is how a controller loses an error.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      // One way of being private, which holds at run time, too. A constructor can be private by the keyword only.
      'no-restricted-syntax': ['error', ...ONE_STYLE],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    // What is decided is decided by codes. A library that gives nothing but a text is read in a file named for it, `…-errors.ts`.
    files: ['src/**/*.ts', 'hil-sim/**/*.ts', 'models/**/*.ts', 'scripts/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*-errors.ts'],
    // A later entry replaces an earlier one of the same name: both are said here.
    rules: {
      'no-restricted-syntax': ['error', ...ONE_STYLE, ...DECISIONS_BY_MESSAGE],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
