import { useQuery } from '@tanstack/react-query';
import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { titleOf } from '../lib/format';
import { assetsQuery } from '../lib/queries';

interface Props {
  /** Id of an asset; a form item gives and takes it. */
  value?: number | null;
  onChange?: (id: number | null) => void;
  id?: string;
  allowClear?: boolean;
  className?: string;
  placeholder?: string;
  disabled?: boolean;
}

/** Chooses an asset by typing part of its code, Chinese or English name. */
export function AssetSelect({ value, onChange, placeholder, allowClear = true, ...rest }: Props) {
  const { t } = useTranslation('common');
  const { data, isPending } = useQuery(assetsQuery());
  const text = placeholder ?? t('common:chooseAsset');
  return (
    <Select<number | null>
      {...rest} value={value ?? null} allowClear={allowClear} loading={isPending} placeholder={text} aria-label={text} popupMatchSelectWidth={320}
      showSearch={{ filterOption: (typed, option) => String(option?.search ?? '').includes(typed.trim().toLowerCase()) }}
      options={(data ?? []).map((a) => ({ value: a.id, label: `${a.code} ${titleOf(a.title)}`, search: `${a.code} ${a.title.zh} ${a.title.en}`.toLowerCase() }))}
      onChange={(next) => onChange?.(next ?? null)}
    />
  );
}
