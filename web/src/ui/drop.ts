/** Dropping files onto a part of the page. */
import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

interface Drop {
  /** True while files are held above it. */
  readonly isOver: ReadonlySignal<boolean>;
  readonly handlers: Readonly<Record<string, (event: DragEvent) => void>>;
}

export function useDrop(onFiles: (files: File[]) => void): Drop {
  const isOver = useSignal(false);
  // Entering and leaving is told for every element inside as well.
  const depth = useRef(0);
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  const handlers = {
    onDragEnter: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth.current += 1;
      isOver.value = true;
    },
    onDragOver: (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    },
    onDragLeave: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth.current = Math.max(0, depth.current - 1);
      isOver.value = depth.current > 0;
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth.current = 0;
      isOver.value = false;
      onFiles([...(event.dataTransfer?.files ?? [])]);
    },
  };
  return { isOver, handlers };
}
