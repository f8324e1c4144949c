import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Inner text is never built as markup: patients' words pass through this page.
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Use text nodes.' },
        { property: 'outerHTML', message: 'Use text nodes.' },
        { property: 'insertAdjacentHTML', message: 'Use text nodes.' },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['tools/**/*.mjs', '*.js', 'public/*.js'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
);
