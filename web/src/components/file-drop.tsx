import { InboxOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useRef, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  title: string;
  hint: string;
  accept: string;
  busy: boolean;
  testId: string;
  onFile: (file: File) => void;
}

/** Takes one file by button or by drag; the button alone is enough. */
export function FileDrop({ title, hint, accept, busy, testId, onFile }: Props) {
  const { t } = useTranslation('common');
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file && !busy) onFile(file);
    // The same file chosen again, after it was corrected, is a new choice.
    if (input.current) input.current.value = '';
  };
  const onDrag = (event: DragEvent) => {
    event.preventDefault();
    setOver(event.type === 'dragover');
  };
  return (
    <div
      className="hw-drop" data-over={over} data-busy={busy} onDragOver={onDrag} onDragLeave={onDrag}
      onDrop={(e) => { onDrag(e); take(e.dataTransfer.files); }}
    >
      <InboxOutlined />
      <strong>{title}</strong>
      <span className="hw-muted">{hint}</span>
      <input ref={input} type="file" className="hw-sr" tabIndex={-1} accept={accept} aria-label={title} data-testid={testId} onChange={(e) => take(e.target.files)} />
      <Button loading={busy} onClick={() => input.current?.click()} data-testid={`${testId}-button`}>{t('common:chooseFile')}</Button>
    </div>
  );
}
