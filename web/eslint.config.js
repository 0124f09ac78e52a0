import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Attributes whose text a person reads or hears. */
const SPOKEN = new Set(['title', 'alt', 'placeholder', 'label', 'aria-label', 'aria-description', 'description', 'tooltip']);

const noTextInJsx = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const report = (node) => context.report({ node, message: 'A text belongs in the locale catalogue.' });
    const wordy = (value) => typeof value === 'string' && /\p{L}/u.test(value);
    return {
      JSXText: (node) => wordy(node.value) && report(node),
      'JSXExpressionContainer > Literal': (node) => {
        const owner = node.parent.parent;
        if (owner.type !== 'JSXAttribute' && wordy(node.value)) report(node);
      },
      JSXAttribute: (node) => {
        if (SPOKEN.has(node.name.name) && node.value?.type === 'Literal' && wordy(node.value.value)) report(node);
      },
    };
  },
};

export default tseslint.config(
  { ignores: ['node_modules/**', 'dev/**'] },
  {
    files: ['src/**/*.{ts,tsx}', 'packages/*/src/**/*.{ts,tsx}'],
    extends: [...tseslint.configs.recommended],
    plugins: { 'react-hooks': hooks, headworks: { rules: { 'no-text-in-jsx': noTextInJsx } } },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      'headworks/no-text-in-jsx': 'error',
      'max-lines': ['error', { max: 300 }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
);
