/** OPC UA quality: the two top bits are the severity. */
export type Quality = 'good' | 'uncertain' | 'bad';

const BAD_NO_DATA = 0x809b0000;
const GOOD_LOCAL_OVERRIDE = 0x00960000;

const NAMES: Record<number, string> = {
  0x00960000: 'override', 0x40900000: 'lastUsable', 0x40930000: 'notAccurate', 0x40940000: 'unitsExceeded',
  0x40950000: 'subNormal', 0x40a40000: 'subNormal', 0x808a0000: 'notConnected', 0x808c0000: 'sensorFailure',
  0x808b0000: 'lastKnown', 0x803c0000: 'outOfRange', [BAD_NO_DATA]: 'noData', 0x80740000: 'typeMismatch',
  0x80310000: 'noCommunication',
};

export function quality(status: number): Quality {
  const severity = status >>> 30;
  return severity === 0 ? 'good' : severity === 1 ? 'uncertain' : 'bad';
}

/** Key of the status text in the catalogue `common:status.*`. */
export function statusKey(status: number): string {
  const unsigned = status >>> 0;
  return NAMES[unsigned] ?? quality(unsigned);
}

export const isOverride = (status: number): boolean => status >>> 0 === GOOD_LOCAL_OVERRIDE;
