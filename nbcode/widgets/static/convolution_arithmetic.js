// A convolution of one channel without a bias, as torch.nn.functional.conv2d computes it: the kernel is not turned over.
export const SIDE = 3;         // of the kernel

export const outputSize = (size, stride, padding) => Math.floor((size + 2 * padding - SIDE) / stride) + 1;

// The image with so many rows and columns of zeros around it.
export function padded(image, padding) {
  const size = image.length + 2 * padding;
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => image[i - padding]?.[j - padding] ?? 0));
}

// The part of the padded image that the window shows at an entry of the output.
export const under = (image, stride, row, column) =>
  image.slice(row * stride, row * stride + SIDE).map(line => line.slice(column * stride, column * stride + SIDE));

export const productsOf = (patch, kernel) => patch.flatMap((line, i) => line.map((pixel, j) => pixel * kernel[i][j] || 0));   // never -0

export function convolve(image, kernel, stride, padding) {
  const wide = padded(image, padding), size = outputSize(image.length, stride, padding);
  const entry = (i, j) => productsOf(under(wide, stride, i, j), kernel).reduce((sum, product) => sum + product, 0);
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => entry(i, j)));
}
