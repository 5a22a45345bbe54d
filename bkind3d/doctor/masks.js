"use strict";
// Every mask is a canvas of the video's size: opaque where the subject cannot be.
const RED = "rgb(255 40 40 / 45%)";

function addButton(row, text, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => act(button));
  row.append(button);
  return button;
}

function openCamera(camera) {
  const figure = document.createElement("figure"), caption = document.createElement("figcaption");
  const shown = document.createElement("canvas"), mask = document.createElement("canvas");
  for (const canvas of [shown, mask]) [canvas.width, canvas.height] = [camera.width, camera.height];
  const context = shown.getContext("2d"), painted = mask.getContext("2d", { willReadFrequently: true }), picture = new Image();
  const state = { tool: "box", erase: false, from: null, to: null, erasing: false, undo: [] };

  function draw() {
    context.drawImage(picture, 0, 0, camera.width, camera.height);
    const tinted = document.createElement("canvas");
    [tinted.width, tinted.height] = [camera.width, camera.height];
    const over = tinted.getContext("2d");
    over.drawImage(mask, 0, 0);
    over.globalCompositeOperation = "source-in";
    over.fillStyle = RED;
    over.fillRect(0, 0, camera.width, camera.height);
    context.drawImage(tinted, 0, 0);
    if (state.from && state.tool === "box") {
      context.strokeStyle = "white";
      context.lineWidth = Math.max(1, camera.width / 400);
      context.strokeRect(state.from[0], state.from[1], state.to[0] - state.from[0], state.to[1] - state.from[1]);
    }
  }

  function place(event) {
    const box = shown.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * camera.width, ((event.clientY - box.top) / box.height) * camera.height];
  }

  function paint(from, to) {
    painted.globalCompositeOperation = state.erasing ? "destination-out" : "source-over";
    painted.fillStyle = painted.strokeStyle = "black";
    if (state.tool === "box") {
      painted.fillRect(from[0], from[1], to[0] - from[0], to[1] - from[1]);
      return;
    }
    painted.lineWidth = camera.width / 20;
    painted.lineCap = "round";
    painted.beginPath();
    painted.moveTo(from[0], from[1]);
    painted.lineTo(to[0], to[1]);
    painted.stroke();
  }

  shown.addEventListener("contextmenu", (event) => event.preventDefault());
  shown.addEventListener("pointerdown", (event) => {
    shown.setPointerCapture(event.pointerId);
    state.undo.push(painted.getImageData(0, 0, camera.width, camera.height));
    if (state.undo.length > 20) state.undo.shift();
    state.erasing = state.erase || event.button === 2;
    state.from = state.to = place(event);
    if (state.tool === "brush") paint(state.from, state.to);
    draw();
  });
  shown.addEventListener("pointermove", (event) => {
    if (!state.from) return;
    state.to = place(event);
    if (state.tool === "brush") {
      paint(state.from, state.to);
      state.from = state.to;
    }
    draw();
  });
  shown.addEventListener("pointerup", () => {
    if (!state.from) return;
    if (state.tool === "box") paint(state.from, state.to);
    state.from = null;
    draw();
  });

  function save() {
    const file = document.createElement("canvas");
    [file.width, file.height] = [camera.width, camera.height];
    const content = file.getContext("2d");
    content.fillStyle = "white";
    content.fillRect(0, 0, camera.width, camera.height);
    content.drawImage(mask, 0, 0);
    const link = document.createElement("a");
    [link.href, link.download] = [file.toDataURL("image/png"), camera.name];
    link.click();
  }

  const title = document.createElement("strong");
  title.textContent = camera.title;
  caption.append(title);
  addButton(caption, "brush", (button) => {
    state.tool = state.tool === "box" ? "brush" : "box";
    button.textContent = state.tool === "box" ? "brush" : "box";
  });
  addButton(caption, "erase", (button) => {
    state.erase = !state.erase;
    button.textContent = state.erase ? "paint" : "erase";
  });
  addButton(caption, "undo", () => {
    if (state.undo.length) painted.putImageData(state.undo.pop(), 0, 0);
    draw();
  });
  addButton(caption, "save", save);
  figure.append(shown, caption);
  document.querySelector("main").append(figure);
  picture.addEventListener("load", draw);
  picture.src = camera.picture;
}

JSON.parse(document.getElementById("cameras").textContent).forEach(openCamera);
