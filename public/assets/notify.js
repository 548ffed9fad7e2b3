// Notifications of new messages, only for those who have asked for them, and only while they look elsewhere.

import { lasting } from "./store.js";

const PLACE = "nexus.notify";

let isOn = lasting.text(PLACE) === "on";

/** Whether this browser can show notifications. */
export const canNotify = "Notification" in globalThis;

/** Whether they are shown. */
export const notifies = () => canNotify && isOn && Notification.permission === "granted";

/** Turns them on or off. Returns a sentence that says what is so now. */
export async function toggleNotifications() {
  isOn = !notifies() && (await Notification.requestPermission()) === "granted";
  lasting.keep(PLACE, isOn ? "on" : undefined);
  if (isOn) return "Notifications are on: you hear of new messages while you look elsewhere.";
  return Notification.permission === "denied" ? "Your browser does not allow notifications for this site." : "Notifications are off.";
}

/** Tells of a message, if the person looks elsewhere and has asked for it. */
export function notify(title, body, tag) {
  if (!document.hidden || !notifies()) return;
  try {
    const notification = new Notification(title, { body, tag, icon: new URL("icon.svg", import.meta.url).href });
    notification.addEventListener("click", () => {
      focus();
      notification.close();
    });
  } catch {
    // Some phones show notifications only for apps.
  }
}
