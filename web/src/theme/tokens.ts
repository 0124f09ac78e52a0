/**
 * Every colour, size and font of the interface. Saturated red, orange, yellow and magenta are the alarm priorities and
 * are used for nothing else; the normal state is grey with one quiet accent.
 */
import { theme as antdTheme, type ThemeConfig } from 'antd';

export type ThemeName = 'control-room' | 'light' | 'wall';
export const THEME_NAMES: ThemeName[] = ['control-room', 'light', 'wall'];

const FONT = '"Noto Sans SC", "Noto Sans CJK SC", system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", sans-serif';

const controlRoom = {
  'bg': '#14171a', 'panel': '#1b1f23', 'raised': '#23282d', 'hover': '#292f35', 'line': '#343b42', 'line-strong': '#69747f',
  'text': '#e3e7ea', 'muted': '#a3adb6', 'faint': '#8a959f', 'accent': '#86b9dc', 'accent-strong': '#2c6a94',
  'accent-soft': '#21323f', 'band': '#4b5661', 'band-mark': '#d5dbe0', 'bad': '#b8c0c8', 'bad-soft': '#31373d',
  'p1': '#ff5c5c', 'p2': '#ff9d42', 'p3': '#f4d03f', 'p4': '#e58be8', 'on-alarm': '#14171a',
  'alarm-soft': '#2c2326', 'shadow': '0 6px 24px rgb(0 0 0 / 45%)',
};

const light: typeof controlRoom = {
  'bg': '#eef0f2', 'panel': '#ffffff', 'raised': '#f6f7f8', 'hover': '#eaedf0', 'line': '#d3d8dd', 'line-strong': '#7d8791',
  'text': '#1d2329', 'muted': '#535e68', 'faint': '#636e78', 'accent': '#1f5f8b', 'accent-strong': '#1f5f8b',
  'accent-soft': '#dfebf4', 'band': '#c3cad1', 'band-mark': '#2d353c', 'bad': '#525c66', 'bad-soft': '#e2e6e9',
  'p1': '#c4161c', 'p2': '#b04a00', 'p3': '#7c6200', 'p4': '#9a1f9e', 'on-alarm': '#ffffff',
  'alarm-soft': '#fbeeee', 'shadow': '0 6px 24px rgb(0 0 0 / 15%)',
};

/** Wall: the colours of the control room, larger and without the shell around them. */
const THEMES: Record<ThemeName, typeof controlRoom> = { 'control-room': controlRoom, light, wall: controlRoom };

const DARK_PENS = [
  '#7fc4ff', '#86dcc0', '#b9abff', '#d8dde2', '#4fa3b5', '#a9c68a', '#c9b199', '#8fa2e0', '#5f93c4', '#5fa98d', '#9a8fd0', '#97a1aa',
];
const SOLID = undefined;
const DASHED = [6, 3];
const DOTTED = [2, 3];

/** Pens of a trend: told apart from each other and from every alarm colour; the second four are dashed, the third dotted. */
export const PENS: Record<ThemeName, string[]> = {
  'control-room': DARK_PENS,
  light: ['#1667a8', '#157a5c', '#5b48b8', '#3a444d', '#1c7080', '#4c6b24', '#7a5b3a', '#3a4fa8', '#3f83b5', '#3a8f73', '#7565c4', '#65707a'],
  wall: DARK_PENS,
};
export const PEN_DASH: (number[] | undefined)[] = [
  SOLID, SOLID, SOLID, SOLID, DASHED, DASHED, DASHED, DASHED, DOTTED, DOTTED, DOTTED, DOTTED,
];
export const MAX_PENS = PEN_DASH.length;

export const token = (theme: ThemeName, name: keyof typeof controlRoom): string => THEMES[theme][name];

export function applyTheme(name: ThemeName): void {
  const root = document.documentElement;
  root.dataset.theme = name;
  root.style.colorScheme = name === 'light' ? 'light' : 'dark';
  for (const [key, value] of Object.entries(THEMES[name])) root.style.setProperty(`--${key}`, value);
  root.style.setProperty('--font', FONT);
}

export function antdConfig(name: ThemeName): ThemeConfig {
  const t = THEMES[name];
  return {
    algorithm: name === 'light' ? antdTheme.defaultAlgorithm : antdTheme.darkAlgorithm,
    token: {
      colorPrimary: t['accent-strong'], colorInfo: t['accent-strong'], colorLink: t.accent, colorLinkHover: t.text,
      colorBgBase: t.bg, colorBgLayout: t.bg, colorBgContainer: t.panel, colorBgElevated: t.raised,
      colorText: t.text, colorTextSecondary: t.muted, colorTextTertiary: t.muted, colorTextPlaceholder: t.muted,
      colorTextDescription: t.muted, colorBorder: t['line-strong'], colorBorderSecondary: t.line,
      colorError: name === 'light' ? '#8f2d2d' : '#d8a3a3', colorTextLightSolid: '#ffffff',
      fontFamily: FONT, fontSize: 14, borderRadius: 3, controlHeight: 32, motionDurationMid: '0.1s', motionDurationSlow: '0.15s',
    },
    components: {
      Button: {
        primaryShadow: 'none', dangerColor: name === 'light' ? '#ffffff' : t.bg, defaultBg: 'transparent', defaultHoverBg: t.hover, defaultActiveBg: t.hover, defaultHoverColor: t.text,
        defaultActiveColor: t.text, defaultHoverBorderColor: t.accent, defaultActiveBorderColor: t.accent,
      },
      Segmented: { itemSelectedBg: t['accent-soft'], itemSelectedColor: t.text, trackBg: t.raised, itemColor: t.muted },
      Drawer: { paddingLG: 16 },
      Tabs: { itemSelectedColor: t.text, itemHoverColor: t.text, itemActiveColor: t.text, itemColor: t.muted, inkBarColor: t.accent },
    },
  };
}
