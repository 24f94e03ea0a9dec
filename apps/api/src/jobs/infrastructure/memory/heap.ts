/** Gives what was put in, the first by `comesBefore` first; both take logarithmic time. */
export interface Heap<T> {
  put(item: T): void;
  first(): T | undefined;
  takeFirst(): T | undefined;
}

export function createHeap<T>(comesBefore: (one: T, other: T) => boolean): Heap<T> {
  /** A binary tree by levels: no item comes before the one above it. */
  const items: T[] = [];

  /** Whether the items at both places had to be swapped. */
  function order(above: number, below: number): boolean {
    const [one, other] = [items[above], items[below]];
    if (one === undefined || other === undefined || !comesBefore(other, one)) return false;
    items[above] = other;
    items[below] = one;
    return true;
  }

  function firstBelow(place: number): number {
    const left = 2 * place + 1;
    const [one, other] = [items[left], items[left + 1]];
    return one !== undefined && other !== undefined && comesBefore(other, one) ? left + 1 : left;
  }

  return {
    put(item) {
      items.push(item);
      let place = items.length - 1;
      for (let above = aboveOf(place); place > 0 && order(above, place); above = aboveOf(place)) {
        place = above;
      }
    },
    first: () => items[0],
    takeFirst() {
      const first = items[0];
      const last = items.pop();
      if (last === undefined || items.length === 0) return first;
      items[0] = last;
      let place = 0;
      for (let below = firstBelow(place); order(place, below); below = firstBelow(place)) {
        place = below;
      }
      return first;
    },
  };
}

function aboveOf(place: number): number {
  return (place - 1) >> 1;
}
