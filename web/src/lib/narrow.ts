/** Where the layout of phones begins; the style sheets say the same. */
export const NARROW = '(max-width: 767px)';

export const isNarrow = (): boolean => matchMedia(NARROW).matches;
