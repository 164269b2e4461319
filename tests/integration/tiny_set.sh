# Sourced by the tests here: twelve images of the demo set in `demo` become `tiny`, with a model that
# trains in seconds. A small subset keeps the training short.
mkdir -p tiny/images tiny/labels
for image in $(ls demo/images/train | head -n 12); do
  cp "demo/images/train/$image" tiny/images/; cp "demo/labels/train/${image%.*}.txt" tiny/labels/
done
printf 'train: images\nval: images\nnc: 5\nnames: [stop, warning, speed_limit, direction, priority]\n' >tiny/tiny.yaml
sed 's/^width_multiple:.*/width_multiple: 0.125/' "$GANNET_SOURCE/configs/models/yolov5n-csp.yaml" >small.yaml
