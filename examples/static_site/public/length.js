// A rope is about two thirds as long as the yarns it is laid from.
const rope = document.getElementById("rope");
const hall = document.getElementById("hall");

function show() {
  const metres = Math.ceil(rope.valueAsNumber * 1.5);
  hall.value = Number.isFinite(metres) ? `${metres} m` : "…";
}

rope.addEventListener("input", show);
show();
