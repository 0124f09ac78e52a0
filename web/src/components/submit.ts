import type { ButtonProps } from 'antd';

/** The button of a dialog that submits the form inside it; Enter does the same. */
export function submits(form: string, loading: boolean, testId: string): ButtonProps {
  const named: ButtonProps & Record<'data-testid', string> = { htmlType: 'submit', form, loading, 'data-testid': testId };
  return named;
}
