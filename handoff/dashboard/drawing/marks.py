"""The mark of each state, as what stands within an SVG of 14 by 14: shapes that differ without their colours too."""

from __future__ import annotations

MARKS = {
    "infeasible": '<path d="M7 1.5 13 12.5H1z"/><path d="M7 5.5v3M7 10.6v.1"/>',
    "failed": '<rect x="1.5" y="1.5" width="11" height="11" rx="2"/><path d="m4.6 4.6 4.8 4.8m0-4.8-4.8 4.8"/>',
    "waiting": '<path d="M3.5 1.5h7M3.5 12.5h7M4.5 1.5c0 3 5 4 5 11M9.5 1.5c0 3-5 4-5 11"/>',
    "delayed": '<circle cx="7" cy="7" r="5.5"/><path d="M7 4v3.2l2 1.3"/>',
    "deferred": '<path d="M7 1.5 12.5 7 7 12.5 1.5 7z"/>',
    "queued": '<circle cx="7" cy="7" r="5.5" stroke-dasharray="2.4 2"/><circle class="solid" cx="7" cy="7" r="1.6"/>',
    "started": '<circle cx="7" cy="7" r="5.5"/><path class="solid" d="M5.6 4.4v5.2L9.8 7z"/>',
    "running": '<circle cx="7" cy="7" r="5.5"/><path class="solid" d="M5.6 4.4v5.2L9.8 7z"/>',
    "finished": '<circle cx="7" cy="7" r="5.5"/><path d="m4.6 7.2 1.7 1.7 3.1-3.6"/>',
    "canceled": '<circle cx="7" cy="7" r="5.5"/><path d="m3.4 10.6 7.2-7.2"/>',
    "stopped": '<circle cx="7" cy="7" r="5.5"/><rect class="solid" x="5" y="5" width="4" height="4"/>',
    "inline": '<path d="M4.2 2h5.6l3 5-3 5H4.2l-3-5z"/>',
    "gone": '<circle cx="7" cy="7" r="5.5" stroke-dasharray="1 2.6"/>',
    "up": '<circle class="solid" cx="7" cy="7" r="4"/>',
    "quiet": '<circle cx="7" cy="7" r="5.5"/><path d="M5.5 5v4m3-4v4"/>',
    "paused": '<path d="M4.5 3v8M9.5 3v8"/>',
    "over": '<path d="M7 12V2.5M3.5 6 7 2.5 10.5 6"/>',
    "draining": '<path d="M7 2v9.5M3.5 8 7 11.5 10.5 8"/>',
    "cordoned": '<path d="M2 7h10M2 4.5v5M12 4.5v5"/>',
    "lost": '<circle cx="7" cy="7" r="5.5"/><path d="m4.8 4.8 4.4 4.4m0-4.4-4.4 4.4"/>',
}
