import { CloseOutlined } from '@ant-design/icons';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { AssetTree } from './asset-tree';

/** The asset tree over the page on a phone: a native modal dialog keeps the focus and closes on Escape or a tap outside. */
export function TreeDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('shell');
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog} className="hw-treedialog" aria-label={t('shell:tree.title')} onClose={onClose}
      onClick={(e) => { if (e.target === dialog.current) onClose(); }}
    >
      {open ? (
        <div>
          <header>
            <h2>{t('shell:tree.title')}</h2>
            <button type="button" className="hw-iconbutton" aria-label={t('shell:close')} onClick={onClose}><CloseOutlined /></button>
          </header>
          <AssetTree />
        </div>
      ) : null}
    </dialog>
  );
}
