// How many segments a text takes: the same count as the server's, which a test compares.
const DEFAULT =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = "\f^{}\\[~]|€";

export interface Segments {
  alphabet: "GSM 7-bit" | "Unicode";
  units: number;
  segments: number;
  odd: string[];
}

// A character of two units is never split between two segments.
function parts(sizes: number[], single: number, several: number): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= single) return 1;
  let count = 1;
  let filled = 0;
  for (const size of sizes) {
    if (filled + size > several) {
      count += 1;
      filled = 0;
    }
    filled += size;
  }
  return count;
}

export function count(text: string): Segments {
  const letters = [...text];
  const odd = [...new Set(letters.filter((letter) => !DEFAULT.includes(letter) && !EXTENSION.includes(letter)))];
  const gsm = odd.length === 0;
  const sizes = letters.map((letter) => (gsm ? (EXTENSION.includes(letter) ? 2 : 1) : letter.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  return { alphabet: gsm ? "GSM 7-bit" : "Unicode", units, segments: gsm ? parts(sizes, 160, 153) : parts(sizes, 70, 67), odd };
}
