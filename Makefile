# Thin covers over tools/setup.sh and the CMake presets; each can be called by hand as well.
PREFIX ?= /usr/local
GANNET := build/release/gannet
# CMAKE_OPTIONS: more of CMake's, such as -DGANNET_WITH_WINDOWS=OFF.
configure = cmake --preset $(1) -DLIBTORCH="$(LIBTORCH)" $(CMAKE_OPTIONS)
export LIBTORCH

.PHONY: build setup test demo bench install clean format
build: setup
	$(call configure,release)
	cmake --build --preset release

setup:
	@tools/setup.sh

test:
	@tools/setup.sh tests
	@tools/test.sh

# A small data set is made, a small model learns it, is evaluated and looks at pictures it never saw.
demo: build
	$(GANNET) data demo demo/data
	$(GANNET) train --data demo/data/demo.yaml --cfg yolov5n-csp.yaml --hyp demo.yaml \
	  --img 256 --batch 8 --epochs 30 --cache-images --project demo --name run --exist-ok
	$(GANNET) val --data demo/data/demo.yaml --weights demo/run/weights/best.pt --img 256 --verbose \
	  --project demo --name val --exist-ok
	$(GANNET) detect --source demo/data/images/unseen --weights demo/run/weights/best.pt --img 256 \
	  --output demo/detections
	@echo
	@echo "Pictures with detections: $(CURDIR)/demo/detections"
	@echo "Training run, curves and weights: $(CURDIR)/demo/run"
	@echo "Figures and pictures of the evaluation: $(CURDIR)/demo/val"

bench: setup
	$(call configure,dev)
	cmake --build --preset dev --target bench

# The program looks for its configs below the prefix that it was configured with.
install: setup
	$(call configure,release) -DCMAKE_INSTALL_PREFIX="$(abspath $(PREFIX))"
	cmake --build --preset release
	cmake --install build/release

clean:
	rm -rf build demo

format:
	git ls-files '*.h' '*.cpp' | xargs -r clang-format-14 -i
