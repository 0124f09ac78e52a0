import { useQuery } from '@tanstack/react-query';
import { useMatch } from 'react-router';
import { assetsQuery } from '../lib/queries';
import type { Asset } from '../lib/types';

/** Code of the asset in the address, also for parts outside the routes. */
export function useSelectedCode(): string | undefined {
  return useMatch('/monitor/:asset')?.params.asset;
}

export function useSelectedAsset(): Asset | undefined {
  const code = useSelectedCode();
  return useQuery(assetsQuery()).data?.find((a) => a.code === code);
}
