// Development only: a made-up heart as waveform blocks, in the format of protocols/waveform/src/block.rs.
const CHANNELS = [
  { channel: 131330, unit: 266418, rate: 250, scale: 0.005, shape: ecg },
  { channel: 150452, unit: 262656, rate: 125, scale: 0.001, shape: pleth },
];
const BLOCK_S = 0.2;

/** Sends blocks to a socket until it closes; every twentieth is lost. */
export function sendWaves(socket) {
  const begun = Date.now() / 1000;
  let n = 0;
  const timer = setInterval(() => {
    if (n % 20 !== 19) for (const spec of CHANNELS) socket.send(block(spec, n, begun));
    n += 1;
  }, BLOCK_S * 1000);
  socket.on('close', () => clearInterval(timer));
}

function block({ channel, unit, rate, scale, shape }, n, begun) {
  const count = rate * BLOCK_S;
  const bytes = Buffer.alloc(40 + 2 * count);
  bytes.write('HW');
  bytes[2] = 1;
  bytes[3] = n === 0 ? 1 : 0;
  [channel, unit, n, rate * 1000].forEach((number, i) => bytes.writeUInt32LE(number, 4 + 4 * i));
  bytes.writeFloatLE(scale, 20);
  bytes.writeBigInt64LE(BigInt(Math.round((begun + n * BLOCK_S) * 1e6)), 28);
  bytes.writeUInt16LE(count, 36);
  for (let i = 0; i < count; i++) bytes.writeInt16LE(Math.round(shape(n * BLOCK_S + i / rate) / scale), 40 + 2 * i);
  return bytes;
}

/** Waves of a beat by their place in it, width and height in millivolts. */
function ecg(t) {
  const at = (t * 1.2) % 1;
  const bump = (where, width, height) => height * Math.exp(-(((at - where) / width) ** 2));
  return bump(0.18, 0.028, 0.12) - bump(0.265, 0.009, 0.12) + bump(0.28, 0.011, 1.1) - bump(0.3, 0.011, 0.22) + bump(0.47, 0.045, 0.28) + 0.02 * Math.sin(t * 1.3);
}

function pleth(t) {
  const at = (t * 1.2 + 0.6) % 1;
  return Math.exp(-(((at - 0.22) / 0.11) ** 2)) + 0.38 * Math.exp(-(((at - 0.5) / 0.13) ** 2)) + 0.05 * Math.sin(t * 1.5);
}
