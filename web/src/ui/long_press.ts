/** A finger that stays: what a right click is to a mouse. */
import { useRef } from 'preact/hooks';

const PRESS_MS = 450;
const MOVED_PX = 10;

export function useLongPress(onPress: () => void): Readonly<Record<string, (event: PointerEvent) => void>> {
  const press = useRef<{ x: number; y: number; timer: ReturnType<typeof setTimeout> } | undefined>(undefined);
  const touched = useRef(false);
  const end = () => {
    clearTimeout(press.current?.timer);
    press.current = undefined;
  };
  return {
    onPointerDown: (event) => {
      touched.current = event.pointerType === 'touch';
      if (!touched.current) return;
      const timer = setTimeout(() => {
        end();
        navigator.vibrate?.(10);
        onPress();
      }, PRESS_MS);
      press.current = { x: event.clientX, y: event.clientY, timer };
    },
    onPointerMove: ({ clientX, clientY }) => {
      const { x, y } = press.current ?? { x: clientX, y: clientY };
      if (Math.hypot(clientX - x, clientY - y) > MOVED_PX) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
    // The browser's own menu would come up beside ours.
    onContextMenu: (event) => {
      if (touched.current) event.preventDefault();
    },
  };
}
