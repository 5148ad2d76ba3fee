import { generateThemeStylesheet } from '@cloudscape-design/components/theming';
import type { Theme } from '@cloudscape-design/components/theming';

// Verdigris for what can be pressed, warm greys for the rest. Each step keeps the lightness of the Cloudscape step
// it replaces, so the contrast that the design system was tested for holds; the browser tests check it again.
const verdigris = {
  50: '#eefaf6',
  100: '#d5f2e8',
  200: '#b4e6d6',
  300: '#84d4bd',
  400: '#57c2a6',
  500: '#2a9c80',
  600: '#0d7560',
  700: '#0a5d4d',
  800: '#094b3f',
  900: '#073d34',
  950: '#042822',
  1000: '#021512',
};

const stone = {
  50: '#fcfcfa',
  100: '#f9f9f6',
  150: '#f6f5f1',
  200: '#f2f1ec',
  250: '#eae9e3',
  300: '#dddcd5',
  350: '#c8c7bf',
  400: '#b3b2aa',
  450: '#a5a49c',
  500: '#8b8b83',
  550: '#72736c',
  600: '#62635d',
  650: '#43463f',
  700: '#343834',
  750: '#272c29',
  800: '#1f2421',
  850: '#191d1b',
  900: '#141816',
  950: '#101412',
  1000: '#070908',
};

const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif";
const mono = "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

const theme: Theme = {
  referenceTokens: { color: { primary: verdigris, neutral: stone } },
  tokens: {
    fontFamilyBase: sans,
    fontFamilyMonospace: mono,
    fontWeightButton: '600',
    fontWeightTabs: '600',
    borderRadiusButton: '6px',
    borderRadiusInput: '6px',
    borderRadiusItem: '6px',
    borderRadiusContainer: '10px',
    borderRadiusFlashbar: '8px',
    borderRadiusTabsFocusRing: '6px',
    borderWidthButton: '1px',
    colorBackgroundBackdrop: { light: 'rgba(31, 36, 33, 0.6)', dark: 'rgba(7, 9, 8, 0.7)' },
  },
};

/** The theme as CSS. Called while building (build/cloudscape-theme.ts), never in the browser. */
export function stylesheet(): string {
  return generateThemeStylesheet({ theme });
}
