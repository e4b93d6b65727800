const LARGEST = 200000; // bytes that the server takes
const SIDES = [1280, 960, 640, 400]; // px of the longer side, tried in turn until it is small enough

/** An image file that is small enough to send: the file itself, or a smaller JPEG of it. */
export async function shrink(file) {
  if (file.size <= LARGEST && /^image\/(png|jpeg|gif|webp)$/.test(file.type)) return file;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("This file is not a picture that the browser can read.");
  });
  for (const side of SIDES) {
    const small = await draw(bitmap, Math.min(1, side / Math.max(bitmap.width, bitmap.height)));
    if (small.size <= LARGEST) return small;
  }
  throw new Error("The picture cannot be made small enough.");
}

function draw(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // JPEG knows no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.82));
}
