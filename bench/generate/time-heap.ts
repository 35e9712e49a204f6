/** Conversations by the time of their next packet: a binary heap in typed arrays. */
export interface TimeHeap {
  size(): number;
  /** The conversation whose next packet is the earliest. */
  first(): number;
  firstTimeUs(): number;
  /** Gives the first conversation a later time. */
  moveFirst(timeUs: number): void;
  removeFirst(): void;
}

export function createTimeHeap(startUs: Float64Array): TimeHeap {
  const times = Float64Array.from(startUs);
  const items = Uint32Array.from(startUs.keys());
  let size = times.length;
  const sink = (timeUs: number, item: number, from: number): void => {
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child++;
      if (times[child]! >= timeUs) break;
      times[at] = times[child]!;
      items[at] = items[child]!;
      at = child;
    }
    times[at] = timeUs;
    items[at] = item;
  };
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(times[at]!, items[at]!, at);
  return {
    size: () => size,
    first: () => items[0]!,
    firstTimeUs: () => times[0]!,
    moveFirst: (timeUs) => sink(timeUs, items[0]!, 0),
    removeFirst: () => {
      size--;
      if (size > 0) sink(times[size]!, items[size]!, 0);
    },
  };
}
