export const WEB: string;
export const DIST: string;
export const SHARED: string[];
export function sharedExternals(): object;
