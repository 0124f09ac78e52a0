import { CloseOutlined } from '@ant-design/icons';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  className: string;
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A sheet over the page on a phone: a native modal dialog keeps the focus and closes on Escape or a tap outside. */
export function Sheet({ className, title, open, onClose, children }: Props) {
  const { t } = useTranslation('shell');
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className={className} aria-label={title} onClose={onClose} onClick={(e) => { if (e.target === dialog.current) onClose(); }}>
      {open ? (
        <div>
          <header>
            <h2>{title}</h2>
            <button type="button" className="hw-iconbutton" aria-label={t('shell:close')} onClick={onClose}><CloseOutlined /></button>
          </header>
          {children}
        </div>
      ) : null}
    </dialog>
  );
}
