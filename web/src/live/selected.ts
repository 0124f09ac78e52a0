import { useQuery } from '@tanstack/react-query';
import { useMatch } from 'react-router';
import { assetsQuery } from '../lib/queries';
import type { Asset } from '../lib/types';

/** Code of the asset in the address, also for parts outside the routes. */
export function useSelectedCode(): string | undefined {
  const code = useMatch('/monitor/:asset')?.params.asset;
  const id = Number(useMatch('/assets/:id')?.params.id);
  const { data } = useQuery(assetsQuery());
  return code ?? data?.find((a) => a.id === id)?.code;
}

/** Where the tree leads to: from the page of a piece of equipment to that of another, else to monitoring. */
export function useAssetPath(): (asset: Asset) => string {
  const record = useMatch('/assets/:id') !== null;
  return (asset) => (record ? `/assets/${asset.id}` : `/monitor/${encodeURIComponent(asset.code)}`);
}

export function useSelectedAsset(): Asset | undefined {
  const code = useSelectedCode();
  return useQuery(assetsQuery()).data?.find((a) => a.code === code);
}
