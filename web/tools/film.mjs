// A made-up radiograph for the replay: soft ellipses and arcs, no patient behind it. PNG, 8-bit grey.
import { crc32, deflateSync } from 'node:zlib';

const soft = (x) => 1 / (1 + Math.exp(-x));
const inside = (x, y, cx, cy, rx, ry, edge) => soft((1 - Math.hypot((x - cx) / rx, (y - cy) / ry)) * edge);

function grey(x, y, noise) {
  const body = inside(x, y, 0.5, 0.62, 0.47, 0.66, 26);
  const lungs = inside(x, y, 0.31, 0.47, 0.155, 0.3, 11) + inside(x, y, 0.69, 0.47, 0.155, 0.3, 11);
  const spine = Math.exp(-(((x - 0.5) / 0.055) ** 2));
  const heart = inside(x, y, 0.56, 0.62, 0.15, 0.14, 9);
  const haze = inside(x, y, 0.3, 0.63, 0.11, 0.1, 5);
  const side = Math.abs(x - 0.5);
  const ribs = Math.max(0, Math.sin((y - 0.1 + side * side * 1.5) * 62)) ** 3 * (side > 0.06 && side < 0.34 ? 1 : 0) * (y > 0.14 && y < 0.78 ? 1 : 0);
  const clavicle = Math.exp(-(((y - 0.2 + side * 0.16) / 0.014) ** 2)) * (side > 0.06 && side < 0.32 ? 1 : 0);
  const value = 0.62 * body - 0.46 * Math.min(1, lungs) * (1 - heart * 0.85) + spine * 0.2 * body + haze * 0.2 + ribs * 0.075 * body + clavicle * 0.13;
  return Math.round(Math.min(1, Math.max(0, value + 0.02 + (noise - 0.5) * 0.035)) * 255);
}

export function film(width = 842, height = 1024) {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + x + 1] = grey(x / width, y / height, random());
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body) >>> 0, body.length + 4);
  return frame;
}
